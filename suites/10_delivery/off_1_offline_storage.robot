*** Settings ***
Documentation     *OFF-1 Offline storage.* Messages acknowledged while the recipient is offline are delivered on its
...               next connection, all of them, in order, once.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/arrivals.resource
Resource          ../../keywords/bystanders.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         off-1    p0    delivery


*** Test Cases ***
Everything sent to an offline user waits for the next connection
    Given alice is online
    And bob was online and went offline
    When alice sends 1100 messages to bob
    And every send is acknowledged
    And bob comes back online
    And bob has received everything
    And bob comes back online once more
    Then every message is accounted for

Two senders fill the inbox of an offline user
    Given yves and zoe are bystanders
    And alice and carol are online
    And bob was online and went offline
    When alice and carol send 550 messages each to bob at the same time
    And every send is acknowledged
    And bob comes back online
    And bob has received everything
    Then the bystanders noticed nothing
    And every message is accounted for

A login that meets a message misses nothing
    Given alice is online
    And bob, carol, dave, erin, frank, grace and heidi are online
    When bob, carol, dave, erin, frank, grace and heidi log in 4 times at 0 to 600 ms after the last of 40 messages of alice
    Then every message is accounted for

Connections lost between the login and the first waiting message lose nothing
    Given yves and zoe are bystanders
    And alice is online
    And bob was online and went offline
    When alice sends 1100 messages to bob
    And every send is acknowledged
    And bob logs in and loses the connection at once 15 times
    And bob comes back online
    And bob has received everything
    Then the bystanders noticed nothing
    And every message is accounted for

An inbox at its limit keeps what it took and says so when it takes no more
    Given yves and zoe are bystanders
    And alice is online
    And bob was online and went offline
    When alice fills the inbox of bob to its limit and sends one message more
    And bob comes back online
    And bob has received everything
    Then the bystanders noticed nothing
    And every message is accounted for
