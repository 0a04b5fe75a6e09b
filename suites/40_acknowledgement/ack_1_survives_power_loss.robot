*** Settings ***
Documentation     *ACK-1 No loss after ack.* A message acknowledged to its sender is on the disk, not on its way there: it
...               survives that the power fails at any moment after the ack, with everything that no sync had made durable.

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
An acknowledged message survives a loss of power
    Given alice, carol and bob are online
    And dave was online and went offline
    When the server loses power right after acknowledging 200 messages of alice to bob
    And the server loses power 3 times while alice and carol have sends in flight to bob
    And the server loses power when the 50th message for dave, who is offline, was acknowledged
    And the server loses power again as soon as it accepts messages after a restart
    And alice and carol send to bob until 1000 messages are acknowledged in all
    Then every message is accounted for
