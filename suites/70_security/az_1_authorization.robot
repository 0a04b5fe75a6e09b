*** Settings ***
Documentation     *AZ-1 Authorization.* Who may message, read, administer and revoke whom is what the role table says;
...               everything else is refused and leaves no trace at the victim: no escalation, no forged sender, no
...               foreign inbox or cursor, no way round a block.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/authorization.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         az-1    p0    security


*** Test Cases ***
Whoever is not in a conversation can do nothing in it, whatever their role
    Given carol and dave are bystanders
    When alice and bob let everybody try everything in their conversations, mallory too
    Then everybody could do what the role table allows, and nothing else
    And the bystanders noticed nothing
    And every message is accounted for

The sender is who logged in, whatever a frame says
    Given carol and dave are bystanders
    When mallory logs in and names bob in every frame, while bob talks to alice
    Then everybody could do what the role table allows, and nothing else
    And the bystanders noticed nothing
    And every message is accounted for

Whoever is blocked or forbidden to write reaches nobody and sees nothing
    Given carol and dave are bystanders
    When mallory tries to reach and to see bob in spite of blocks and rules, and alice freely
    Then everybody could do what the role table allows, and nothing else
    And the bystanders noticed nothing
    And every message is accounted for

Who may administer and revoke whom is what the role table says
    Given carol and dave are bystanders
    When everybody asks the administration for everything, while alice writes to bob
    Then everybody could do what the role table allows, and nothing else
    And the bystanders noticed nothing
    And every message is accounted for

A role that nobody gave is none
    Given carol and dave are bystanders
    When requests are made with roles that nobody gave, while alice writes to bob
    Then everybody could do what the role table allows, and nothing else
    And the bystanders noticed nothing
    And every message is accounted for
