*** Settings ***
Documentation     *ACK-3 Mid-send disconnect.* A connection cut at every byte offset of a send, of an ack and of a delivery
...               loses nothing that was acknowledged, and the retry is exactly once.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/links.resource
Resource          ../../keywords/bystanders.resource

Suite Setup       A fresh target with faulty links
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ack-3    p0    acknowledgement


*** Test Cases ***
A connection that ends at any byte costs nothing that was acknowledged
    Given yves and zoe are bystanders
    When the connections of 8 pairs of people are cut at every byte of a send, an acknowledgement and a delivery
    Then the bystanders noticed nothing
    And every message is accounted for
