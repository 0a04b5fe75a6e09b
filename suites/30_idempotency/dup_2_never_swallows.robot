*** Settings ***
Documentation     *DUP-2 Dedup never swallows.* Equal bodies with different keys, and equal keys of different senders,
...               are different messages.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         dup-2    p0    idempotency


*** Test Cases ***
Equal bodies and equal keys of different senders stay different messages
    Given alice, carol and bob are online
    When alice sends 300 pairs of messages with equal bodies to bob
    And alice and carol send 300 pairs of messages under equal keys to bob
    And every send is acknowledged
    Then every message is accounted for
