*** Settings ***
Documentation     *TOK-2 Stolen tokens are refused* across nodes. A token that is good for one login is good for one in all,
...               at whichever node.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/replays.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tok-2    p0    security


*** Test Cases ***
A token for one login is good for one login at all nodes together
    Given alice is online
    And bob logs in with a token that is good for one login, and hears from alice
    And carol and dave are bystanders
    When mallory shows the used token of bob
    Then bob never lost the connection
    When bob goes offline
    And mallory shows the used token of bob, now that its session is over
    Then the bystanders noticed nothing
    And no attempt had any effect
    And every attempt met the same refusal
    And every message is accounted for
