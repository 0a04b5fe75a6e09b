*** Settings ***
Documentation     *TOK-1 Forged tokens are refused.* Every forged token of the attack list - no algorithm, confused
...               algorithms, wrong or injected keys, stripped, truncated or psychic signatures, wrong times, audience,
...               issuer or subject, oversize, duplicate claims and more - is refused, and all of them the same way.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/tokens.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tok-1    p0    security


*** Test Cases ***
No token that the issuer never signed gets anybody in
    Given bob is online
    And mallory gets in with a token of the same sort and writes to bob
    And carol and dave are bystanders
    When mallory shows every token that was never signed as if it were of bob
    Then no attempt had any effect
    And every attempt met the same refusal
    And the bystanders noticed nothing
    And every message is accounted for

No token that brings its own key or is written otherwise gets anybody in
    Given bob is online
    And mallory gets in with a token of the same sort and writes to bob
    And carol and dave are bystanders
    When mallory shows every token that is its own proof as if it were of bob
    Then no attempt had any effect
    And every attempt met the same refusal
    And the bystanders noticed nothing
    And every message is accounted for

No token that the issuer signed for another time, place or person gets anybody in
    Given bob is online
    And mallory gets in with a token of the same sort and writes to bob
    And bob gets in with tokens that are barely in order
    And bob in other letters is somebody else
    And carol and dave are bystanders
    When mallory shows every signed token with false claims of bob
    Then no attempt had any effect
    And every attempt met the same refusal
    And the bystanders noticed nothing
    And every message is accounted for
