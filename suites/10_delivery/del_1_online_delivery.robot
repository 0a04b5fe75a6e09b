*** Settings ***
Documentation     *DEL-1 Online delivery.* Every message that the server acknowledged to its sender reaches every
...               online device of its recipient exactly once, body unchanged.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/arrivals.resource
Resource          ../../keywords/bystanders.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         del-1    p0    delivery


*** Test Cases ***
An acknowledged message reaches every online device of its recipient exactly once
    Given alice is online on phone and tablet
    And bob is online on phone and tablet
    When alice sends 700 messages to bob from her phone
    And bob sends 700 messages to alice from his tablet
    And every send is acknowledged
    Then every message is accounted for

Messages of every size arrive unchanged while conversations cross
    Given alice, bob, carol and dave are online
    When 1200 messages of 1 to 4000 bytes are exchanged between alice, bob, carol and dave
    And every send is acknowledged
    Then every message is accounted for

Bursts within a millisecond are as many messages as were sent
    Given alice, carol and bob are online
    When alice and carol send 15 bursts of 40 messages each to bob, each within a millisecond
    And every send is acknowledged
    Then every message is accounted for

Messages arrive whole however their frames are cut
    Given yves and zoe are bystanders
    And alice is online and writes in pieces of 1 bytes
    And carol is online and writes in pieces of 7 bytes
    And dave is online and writes in pieces of 1000 bytes
    And bob is online
    When alice sends 150 messages to bob
    And carol and dave send 450 messages each to bob at the same time
    And every send is acknowledged
    Then the bystanders noticed nothing
    And every message is accounted for

A device stays reachable when a newer one of its user leaves
    Given alice is online
    And bob is online on phone and tablet
    When alice sends 100 messages to bob
    And every send is acknowledged
    And bob has received everything
    And the tablets go offline
    And alice sends 500 messages to bob
    And every send is acknowledged
    Then the phone of bob has received everything
    And the tablets come back online
    And the tablets lose the connection
    And alice sends 500 messages to bob
    And every send is acknowledged
    And the phone of bob has received everything
    And bob comes back online
    And every message is accounted for

A silent device is still there for messages from another node
    Given bob is online
    And carol is online
    And alice is online on another node
    When nobody says anything for longer than the presence bound
    And alice and carol send 550 messages each to bob at the same time
    And every send is acknowledged
    Then bob has received everything
    And bob, carol and alice never lost the connection
    And every message is accounted for
