*** Settings ***
Documentation     *ORD-2 Order across reconnects and offline spells.* The order of a stream survives the receiver's
...               reconnect and the hand-over from backlog to live delivery.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ord-2    p0    ordering


*** Test Cases ***
A stream keeps its order while its receiver reconnects again and again
    Given alice, carol and bob are online
    When alice and carol keep sending to bob
    And bob loses the connection and returns 12 times while at least 500 messages pass
    And bob goes offline and back 12 times while at least 500 messages pass
    And the senders stop
    Then every message is accounted for
