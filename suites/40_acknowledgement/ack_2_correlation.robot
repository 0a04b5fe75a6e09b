*** Settings ***
Documentation     *ACK-2 Ack correlation.* Each send gets exactly one outcome - ack, rejection or connection loss - and
...               the ack names the send it answers, under pipelining and interleaving.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ack-2    p0    acknowledgement


*** Test Cases ***
Every send gets one outcome, and the outcome names the send
    Given yves and zoe are bystanders
    And alice is online on phone and tablet
    And carol and bob are online
    When alice and carol send 2000 messages to bob in bursts from all their devices
    And alice sends 100 messages to bob of which every other one is too large
    Then each of the too large messages is refused for good
    And every other send is acknowledged
    And the bystanders noticed nothing
    And every message is accounted for

Sends cut off by a lost connection are unknown until their retry settles them
    Given yves and zoe are bystanders
    And alice and bob are online
    When alice loses the connection 20 times in the middle of a burst of 105 messages to bob
    And alice retries every send whose outcome is unknown
    Then the bystanders noticed nothing
    And every send is acknowledged
    And every message is accounted for
