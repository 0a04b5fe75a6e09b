*** Settings ***
Documentation     *OFF-1 Offline storage.* Messages acknowledged while the recipient is offline are delivered on its
...               next connection, all of them, in order, once.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

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
    Given alice and carol are online
    And bob was online and went offline
    When alice and carol send 550 messages each to bob at the same time
    And every send is acknowledged
    And bob comes back online
    And bob has received everything
    Then every message is accounted for
