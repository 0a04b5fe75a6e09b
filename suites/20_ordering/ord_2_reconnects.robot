*** Settings ***
Documentation     *ORD-2 Order across reconnects and offline spells.* The order of a stream survives the receiver's
...               reconnect and the hand-over from backlog to live delivery.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/arrivals.resource
Resource          ../../keywords/bystanders.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ord-2    p0    ordering


*** Test Cases ***
A stream keeps its order while its receiver reconnects again and again
    Given yves and zoe are bystanders
    And alice, carol and bob are online
    When alice and carol keep sending to bob
    And bob loses the connection and returns 12 times while at least 500 messages pass
    And bob goes offline and back 12 times while at least 500 messages pass
    Then the bystanders noticed nothing
    And the senders stop
    And every message is accounted for

A stream keeps its order while its receiver logs in on top of the connection it left behind
    Given yves and zoe are bystanders
    And alice, carol and bob are online
    When alice and carol keep sending to bob
    And bob logs in again 20 times on top of the old connection while at least 1000 messages pass
    Then the bystanders noticed nothing
    And the senders stop
    And every message is accounted for
