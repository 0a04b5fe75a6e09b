*** Settings ***
Documentation     *DEL-1 Online delivery.* Every message that the server acknowledged to its sender reaches every
...               online device of its recipient exactly once, body unchanged.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         del-1    p0    delivery


*** Test Cases ***
An acknowledged message reaches every online device of its recipient exactly once
    Given alice is online on phone and tablet
    And bob is online on phone and tablet
    When alice sends 700 messages to bob from her phone
    And bob sends 700 messages to alice from his tablet
    And every send is acknowledged
    Then every message is accounted for

Messages of every size arrive unchanged while conversations cross
    Given alice, bob, carol and dave are online
    When 1200 messages of 1 to 4000 bytes are exchanged between alice, bob, carol and dave
    And every send is acknowledged
    Then every message is accounted for
