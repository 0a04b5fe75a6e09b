*** Settings ***
Documentation     *ACK-5 Replay protection after reconnect or failover.* Captured frames of an earlier connection (send,
...               ack, login) replayed on a new one change nothing.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/replays.resource
Resource          ../../keywords/servers.resource
Resource          ../../keywords/bystanders.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ack-5    p0    acknowledgement


*** Test Cases ***
What was said on an earlier connection changes nothing when it is said again
    Given yves and zoe are bystanders
    And alice and bob log in while somebody listens
    When alice sends 20 messages to bob, each when the one before it has arrived
    Then what alice and bob said changes nothing when they, mallory or nobody says it again
    And the bystanders noticed nothing
    When the server is killed and started again
    And everybody is back online
    Then what alice and bob said changes nothing when they, mallory or nobody says it again after a restart
    And every message is accounted for
