*** Settings ***
Documentation     *DEV-1 Multi-device consistency.* All devices of a user, and the sender's own other devices, converge
...               to the same log, same order, after any mix of online, offline and reconnecting devices.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         dev-1    p1    devices


*** Test Cases ***
Devices that come and go end with the same log in the same order
    Given alice is online on phone, tablet, laptop and desktop
    And bob is online on phone, tablet, laptop and desktop
    When alice and bob keep sending to each other from all their devices
    And the tablets go offline
    And the laptops lose the connection and return 5 times
    And the desktops lose the connection
    And at least 500 messages have been acknowledged
    And the tablets come back online
    And the senders stop
    Then every message is accounted for
