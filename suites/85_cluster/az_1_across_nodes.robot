*** Settings ***
Documentation     *AZ-1 Authorization* across nodes. Whom somebody blocks at one node, and whom an administrator
...               forbids to write, is held back at every node as soon as it is confirmed.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/authorization.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         az-1    p0    security


*** Test Cases ***
Whoever is blocked or forbidden to write at one node is so at every node
    Given carol and dave are bystanders
    When mallory tries to reach and to see bob at every node in spite of blocks and rules made at one
    Then everybody could do what the role table allows, and nothing else
    And the bystanders noticed nothing
    And every message is accounted for
