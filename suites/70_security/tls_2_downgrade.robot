*** Settings ***
Documentation     *TLS-2 Downgrade protection.* Someone in the middle who strips the upgrade, lowers the version or shows
...               another certificate gets no session and not one byte of a token.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/downgrade.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tls-2    p0    security


*** Test Cases ***
Somebody in the middle gets no session and no byte of a token, and nobody else notices the attempts
    Given alice and bob are online
    And alice sends 10 messages to bob
    And every send is acknowledged
    And yves and zoe are bystanders
    And carol logs in through a middle that changes nothing, to write to bob
    When carol logs in through a middle that attacks, to write to bob
    And every port is asked for less than it has
    Then nothing was gained in the middle
    And the bystanders noticed nothing
    And every message is accounted for
