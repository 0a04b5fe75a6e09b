*** Settings ***
Documentation     *ACK-4 Recipient ack and redelivery.* What a device did not acknowledge is delivered again after
...               reconnect; what it did acknowledge is never delivered again to that device.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ack-4    p0    acknowledgement


*** Test Cases ***
A device is given again what it did not acknowledge, and nothing else
    Given yves and zoe are bystanders
    And alice is online
    And bob is online and acknowledges nothing by himself
    When alice sends 600 messages to bob
    And bob has received 600 messages
    And bob acknowledges the first 250
    And bob loses the connection and returns
    Then bob is given the other 350 again
    And bob acknowledges all he was given
    And bob loses the connection and returns
    And bob is given nothing again
    And the bystanders noticed nothing
    And every message is accounted for
