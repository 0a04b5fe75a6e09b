*** Settings ***
Documentation     The disk of the server is really full: a small file system in memory, which the server alone has.

Library           WaybillLibrary.Kills
Library           Means
Resource          ../common.resource
Resource          ../../keywords/scenario.resource
Resource          ../../keywords/disk.resource

Suite Setup       A target with a small disk, where there can be one
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A disk is full, and the server starts again on it
    Connect People    alice and bob
    When alice sends 10 messages to bob while the disk is full, by tmpfs
    Kill Server
    Start Server
    Reconnect Everybody
    Check History

A disk that nothing was written to proves nothing
    Connect People    alice and bob
    Run Keyword And Expect Error    FaultWithoutEffect: node left the last 4096 bytes of its full disk free*
    ...    Send While Disk Fails    IS FULL    alice    bob    count=0    mechanism=TMPFS

A small disk does nothing but be full
    Connect People    alice and bob
    Run Keyword And Expect Error    ValueError: A small disk (TMPFS) can be full*and nothing else*
    ...    Send While Disk Fails    FAILS TO SYNC    alice    bob    count=1    mechanism=TMPFS

The power is not lost where nothing lasts
    Connect People    alice and bob
    Run Keyword And Expect Error    MeansMissing: The power of node cannot be lost*small disk in memory*
    ...    Kill After Acknowledgements    alice    bob    count=1    death=LOSES POWER

A target that was not started for it says so
    End Scenario
    Stop Target
    Start
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error    MeansMissing: The disk of node cannot be filled*was not launched for that*
    ...    Send While Disk Fails    IS FULL    alice    bob    count=1    mechanism=TMPFS


*** Keywords ***
A target with a small disk, where there can be one
    [Documentation]    Skips the tests where this machine lets nobody mount one.
    Skip Unless Possible    tmpfs
    A fresh target with a small disk
