*** Settings ***
Documentation     *DEL-2 Full conversation end to end.* A two-way conversation with presence, typing, receipts,
...               offline spells and reconnects ends with both sides holding the same log.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/presence.resource
Resource          ../../keywords/receipts.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         del-2    p0    delivery


*** Test Cases ***
A conversation with offline spells and reconnects leaves both sides with the same log
    Given alice is online on phone and tablet
    And bob is online
    When alice and bob talk for 6 rounds of 20 messages with typing and receipts
    And bob goes offline and back 5 times while alice sends 50 messages
    And alice loses the connection and returns 5 times while bob sends 50 messages
    Then alice and bob see the same receipts
    And every message is accounted for
