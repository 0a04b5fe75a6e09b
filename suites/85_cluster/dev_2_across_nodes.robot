*** Settings ***
Documentation     *DEV-2 Device sync and replay from a cursor* across nodes. A new device reads the whole log at any node,
...               wherever its messages came from, while traffic goes on.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target with several nodes
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         dev-2    p1    devices


*** Test Cases ***
A new device at any node reads the whole log while traffic goes on
    Given alice and bob are online
    When alice sends 2000 messages to bob
    And every send is acknowledged
    And bob has received everything
    And alice keeps sending to bob
    And bob links tablet, laptop and desktop at different nodes
    And the tablet of bob reads the log from the start in pages of 100
    And the laptop of bob reads the log from the start in pages of 100
    And the desktop of bob reads the log from the start in pages of 100
    And the tablet of bob reads the log from 5 random cursors in pages of 70
    And the senders stop
    Then every message is accounted for
