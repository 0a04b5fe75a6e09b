*** Settings ***
Documentation     *TOK-3 Revocation under load* across nodes. What is revoked at one node is out at every node and gets in at
...               none, while everybody else loses nothing.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/revocation.resource
Resource          ../../keywords/tokens.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tok-3    p0    security


*** Test Cases ***
Whoever is revoked at one node is out at every node, and nobody else notices
    Given 50 people on phone, laptop, tablet and desktop write once a second; 20 will be revoked
    When tokens, devices and people are revoked one after the other while they write
    Then nothing that was revoked gets anybody in
    And whoever was revoked gets in with a new token and writes
    And nobody else noticed anything
    And every attempt met the same refusal
    And every message is accounted for
