*** Settings ***
Documentation     *DEV-1 Multi-device consistency* across nodes. The devices of a user end with the same log in the same
...               order, whichever nodes they are at and go to.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         dev-1    p1    devices


*** Test Cases ***
Devices at different nodes end with the same log in the same order
    Given alice is online on phone, tablet, laptop and desktop
    And bob is online on phone, tablet, laptop and desktop
    When alice and bob keep sending to each other from all their devices
    And the tablets go offline
    And the laptops lose the connection and return at another node 5 times
    And the desktops lose the connection
    And at least 500 messages have been acknowledged
    And the tablets come back online at another node
    And the senders stop
    Then every message is accounted for
