*** Settings ***
Documentation     *MIG-1 Schema migration and rollback.* Data of the old schema reads the same after migrating forward, back
...               and forward again; a migration killed at any statement resumes or rolls back; a schema newer than the
...               server is refused and left untouched.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/migrations.resource

Suite Setup       A fresh target with a faulty disk
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         mig-1    p1    versions


*** Test Cases ***
Data reads the same through migrations there and back, whether they are killed or not
    Given the server runs its oldest release
    And alice and bob are online
    When 2600 messages of 64 to 512 bytes are exchanged between alice and bob
    And every send is acknowledged
    Then everything reads the same after a migration forward, back and forward again
    And everything reads the same after migrations that were killed 3 times on each way
    And the oldest release refuses the newest data and leaves them untouched
    And every message is accounted for
