*** Settings ***
Documentation     *DUP-1 Idempotent retry.* A send retried with the same idempotency key, on the same or another
...               connection or after a server restart, is one message, and every retry is answered with the first
...               message's id.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/servers.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         dup-1    p0    idempotency


*** Test Cases ***
A send retried with its key stays one message through reconnects and a restart
    Given alice is online on phone and tablet
    And bob and carol are online
    When alice sends 500 messages to bob from her phone
    And alice and carol send 50 pairs of messages under equal keys to bob
    And every send is acknowledged
    And alice retries all of them on the same connection
    And alice retries all of them on a new connection
    And alice retries all of them from her tablet
    And the server is killed and started again
    And everybody is back online
    And alice retries all of them on the same connection
    Then every message is accounted for
