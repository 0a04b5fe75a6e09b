*** Settings ***
Documentation     *CHA-1 Seeded chaos.* A seeded schedule of kills, power losses, pauses, disk faults, lacks of file handles,
...               clock steps and cut, stalled and late connections under mixed traffic breaks no guarantee; the same seed
...               gives the same schedule, and there is only pass or fail.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/chaos.resource

Suite Setup       A fresh target that anything can happen to
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         cha-1    p2    faults


*** Test Cases ***
Whatever fails in whatever order, every message is accounted for
    Given alice, bob and carol are online on phone and tablet
    And dave was online and went offline
    And erin was online and went offline
    When 20 faults strike while everybody writes 5000 messages
    Then every message is accounted for
