*** Settings ***
Documentation     *TLS-1 TLS is required.* No port speaks plaintext; TLS below the promised floor, weak ciphers,
...               compression and renegotiation are refused; the certificate fits the name, is in date and comes from
...               the promised authority.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/tls.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tls-1    p0    security


*** Test Cases ***
Every port refuses what is weaker than the promised TLS, and nobody else notices the attempts
    Given every port shows a valid certificate
    And alice and bob are online
    And alice sends 10 messages to bob
    And every send is acknowledged
    And yves and zoe are bystanders
    When every port is offered what is weaker than the promised TLS
    And every port is spoken to in plaintext
    And mallory logs in at every port in plaintext, to write to bob
    Then nothing was accepted that must be refused
    And the bystanders noticed nothing
    And every message is accounted for
