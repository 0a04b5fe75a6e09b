*** Settings ***
Documentation     *AUT-1 Authentication is on.* No operation is possible without a valid token of the real issuer; the
...               kit holds no signing secret of the server. A server that accepts an anonymous session fails.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/tokens.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         aut-1    p0    security


*** Test Cases ***
Nobody gets in without a genuine credential, and nobody else notices the attempts
    Given alice and bob are online
    And mallory is online, and in a group with bob where there are groups
    And alice keeps sending to bob
    When mallory tries to log in as bob with every credential that is not genuine
    And mallory tries every operation on bob without logging in
    And mallory tries every operation on bob after a login that failed
    And the senders stop
    Then no attempt had any effect
    And every message is accounted for

Nothing works any more when what opened a session is over, and nobody gets in without
    Given alice and bob are online
    And mallory is online, and in a group with bob where there are groups
    And carol and dave are bystanders
    When mallory tries every operation on bob after the token of the session expired
    And mallory tries every operation on bob after the device of the session was revoked
    And mallory tries to log in as bob with every credential that is not genuine
    Then no attempt had any effect
    And the bystanders noticed nothing
    And every message is accounted for
