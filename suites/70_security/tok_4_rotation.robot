*** Settings ***
Documentation     *TOK-4 Key rotation under load.* Signing keys change without dropping a valid session, and tokens of a
...               retired key are refused on every node once the grace period is over.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/tokens.resource
Resource          ../../keywords/rotation.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tok-4    p0    security


*** Test Cases ***
A new key drops nobody, and an old one is worth nothing after its grace
    Given 20 people are online and write to each other
    When the signing key is rotated 3 times, and people log in with tokens of the new and the old key each time
    Then no valid token was refused
    When the grace of every retired key is over
    Then no token of a retired key gets anybody in
    And every attempt met the same refusal
    And no valid token was refused
    And nobody who was online noticed anything
    And every message is accounted for
