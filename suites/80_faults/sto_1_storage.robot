*** Settings ***
Documentation     *STO-1 Storage failures.* With the disk full, failing, read-only or torn, a write that failed is never
...               acknowledged, reads and other clients go on, nothing acknowledged is lost, and service returns with the
...               space.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/disk.resource
Resource          ../../keywords/servers.resource

Suite Setup       A fresh target with a faulty disk
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         sto-1    p1    faults


*** Test Cases ***
A failing disk costs nobody what was acknowledged
    Given alice and bob are online
    And dave was online and went offline
    When alice sends 20 messages to bob while the disk is full
    And alice sends 20 messages to dave while the disk fails to write
    And alice sends 20 messages to bob while the disk is read-only
    And alice sends 20 messages to dave while the disk fails to sync, and the power is lost
    And the server dies in the middle of a write while alice sends to bob
    And the server loses power right after acknowledging 50 messages of alice to bob
    Then every message is accounted for
