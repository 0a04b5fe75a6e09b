*** Settings ***
Documentation     *TOK-3 Revocation under load.* After a revocation is confirmed no node takes the token any more and
...               sessions that live on it end within the promised bound, while everybody else loses nothing.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/servers.resource
Resource          ../../keywords/tokens.resource
Resource          ../../keywords/revocation.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tok-3    p0    security


*** Test Cases ***
Whoever is revoked is out at once and stays out, and nobody else notices
    Given 50 people are online on phone, laptop, tablet and desktop; 20 will be revoked
    When tokens, devices and people are revoked one after the other while they write
    Then nothing that was revoked gets anybody in
    And whoever was revoked gets in with a new token and writes
    And nobody else noticed anything
    When the server is killed and started again
    Then nothing that was revoked gets anybody in
    And every attempt met the same refusal
    And everybody gets in again
    And every message is accounted for
