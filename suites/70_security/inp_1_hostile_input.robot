*** Settings ***
Documentation     *INP-1 Hostile input does nothing.* Oversize, truncated, nested, mistyped, injected: whatever is said gets
...               a clear error or a closed connection. The node lives, others notice nothing, and neither storage nor log
...               holds an injected line.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/hostile_input.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         inp-1    p0    security


*** Test Cases ***
Nothing that is said without a login is taken, and nothing is left without an answer
    Given bob is online
    And alice writes to bob
    And carol and dave are bystanders
    When somebody who never logs in says what a client should not say
    Then it did nothing but meet an error or the end of its connection
    And the bystanders noticed nothing
    And every message is accounted for

A frame that is not as it should be gets an error or ends its connection
    Given bob is online
    And alice writes to bob
    And carol and dave are bystanders
    When a user says what a client should not say
    Then it did nothing but meet an error or the end of its connection
    And the bystanders noticed nothing
    And every message is accounted for

Text that is code, a line or a path elsewhere stays text
    Given bob is online
    And alice writes to bob
    And carol and dave are bystanders
    When alice sends queries, log lines, paths, commands and tricks as messages to bob
    And a user writes the same into every field
    Then it did nothing but meet an error or the end of its connection
    And the bystanders noticed nothing
    And every message is accounted for
