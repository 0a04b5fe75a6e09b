*** Settings ***
Documentation     *ACK-1 No loss after ack.* A message acknowledged to its sender survives SIGKILL of any node at any
...               moment after the ack and is delivered once the node is back.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/servers.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ack-1    p0    acknowledgement


*** Test Cases ***
An acknowledged message survives a killed server
    Given alice, carol and bob are online
    And dave was online and went offline
    When the server is killed right after acknowledging 200 messages of alice to bob
    And the server is killed 3 times while alice and carol have sends in flight to bob
    And the server is killed when the 50th message for dave, who is offline, was acknowledged
    And the server is killed while dave fetches what waited for him
    And the server is killed again as soon as it accepts messages after a restart
    And alice and carol send to bob until 1000 messages are acknowledged in all
    Then every message is accounted for
