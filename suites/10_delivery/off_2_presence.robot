*** Settings ***
Documentation     *OFF-2 Presence.* Online, offline and last-seen are true and never stale past the promised bound; a
...               crashed client goes offline.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/presence.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         off-2    p1    delivery


*** Test Cases ***
Presence follows a user who comes, leaves and crashes
    Given alice is online
    When bob comes online and leaves 13 times, seen by alice
    And bob comes online and crashes 14 times, seen by alice
    Then every message is accounted for

A user is online as long as one device is
    Given alice is online
    When the devices of bob come and go in turn 26 times, seen by alice
    Then every message is accounted for

Whoever is blocked sees nothing of who comes and goes, and everybody else does
    Given alice and mallory are online
    When bob blocks mallory, then comes online and leaves 26 times, seen by alice alone
    Then every message is accounted for
