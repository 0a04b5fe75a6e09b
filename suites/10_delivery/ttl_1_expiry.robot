*** Settings ***
Documentation     *TTL-1 Message expiry.* A message with a time to live is delivered before its end, never after it, and
...               its sender can see that it expired. The server's clock counts, and goes on while the server is down.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/expiry.resource
Resource          ../../keywords/servers.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ttl-1    p2    delivery


*** Test Cases ***
A message with a time to live is given before its end and never after it
    Given alice and bob are online
    And carol was online and went offline
    When alice sends 120 messages that live 6 seconds to bob
    And alice sends 120 messages that live 3 seconds to carol
    And alice sends 20 messages to carol
    And every send is acknowledged
    And bob has received everything
    And alice is told that all of them have expired
    And carol comes back online
    And carol has received everything
    Then every message is accounted for

A time to live goes on while the server is down
    Given alice is online
    And carol was online and went offline
    When alice sends 160 messages that live 3 seconds to carol
    And alice sends 40 messages to carol
    And every send is acknowledged
    And the server is killed and started again
    And alice comes back online
    And alice asks what became of them until all have expired
    And carol comes back online
    And carol has received everything
    Then every message is accounted for

The clock of a device makes no time to live shorter or longer
    Given alice is online
    And carol was online and went offline
    When alice sends 100 messages that live 3 seconds to carol, the device's clock being 1 day behind
    And alice sends 100 messages that live 3 seconds to carol, the device's clock being 1 day ahead
    And alice asks what became of them until all have expired
    And carol comes back online
    And carol has received everything
    Then every message is accounted for
