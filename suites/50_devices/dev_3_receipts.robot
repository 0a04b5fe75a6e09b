*** Settings ***
Documentation     *DEV-3 Read and receipt state converges.* Read markers and delivery receipts converge on all devices
...               and never go back.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/receipts.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         dev-3    p1    devices


*** Test Cases ***
Read markers set on any device, in any order, end the same everywhere
    Given alice is online on phone and tablet
    And bob is online on phone and tablet
    When alice sends 150 messages to bob from her phone
    And bob sends 150 messages to alice from his phone
    And every send is acknowledged
    And alice and bob have received everything
    And bob goes offline and back 2 times while alice sends 20 messages
    And alice and bob set 240 read markers in random order from all their devices
    And the tablets lose the connection and return
    Then alice and bob see the same receipts
    And every message is accounted for
