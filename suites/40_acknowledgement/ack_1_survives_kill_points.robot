*** Settings ***
Documentation     *ACK-1 No loss after ack.* Wherever on a message's way the server is killed - before its commit, between
...               commit and acknowledgement, up to two seconds later - what was acknowledged is there, and a retry is the
...               same message.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/servers.resource

Suite Setup       A fresh target with a faulty disk
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ack-1    p0    acknowledgement


*** Test Cases ***
An acknowledged message survives a kill at every point of its way
    Given alice, carol and bob are online
    And dave was online and went offline
    When the server is killed when it writes a message for dave, who is offline
    And the server is killed when it syncs a message for dave, who is offline
    And the server is killed when it has synced a message for dave, who is offline
    And the server is killed when it answers a message for dave, who is offline
    And the server is killed when it has answered a message for dave, who is offline
    And the server is killed 0.1 seconds after it acknowledged a message for dave
    And the server is killed 0.5 seconds after it acknowledged a message for dave
    And the server is killed 2 seconds after it acknowledged a message for dave
    And the server crashes 3 times as soon as it is back
    And the server is killed when it writes a message for dave, who is offline
    And alice and carol send to bob until 1000 messages are acknowledged in all
    Then every message is accounted for
