*** Settings ***
Documentation     The disk of the server fails, its power is lost, and both are seen.

Library           WaybillLibrary.Disk
Library           WaybillLibrary.Kills
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    faulty_disk=True
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A disk fails in every way and is mended
    Connect People    alice and bob
    FOR    ${fault}    IN    IS FULL    FAILS TO WRITE    FAILS TO SYNC    IS READ ONLY
        Send While Disk Fails    ${fault}    alice    bob    count=3
    END
    Check History

The power is lost while the disk fails
    Connect People    alice and bob
    Send While Disk Fails    FAILS TO SYNC    alice    bob    count=3    power_loss=True
    Check History

A server dies in the middle of a write
    Connect People    alice and bob
    Kill In The Middle Of A Write    alice    bob
    Check History

The power is lost at a chosen moment
    Connect People    alice and bob
    Kill After Acknowledgements    alice    bob    count=20    death=LOSES POWER
    Check History

A server is killed at each point of a message's way
    Connect People    alice and dave
    Disconnect People    dave
    FOR    ${point}    IN    WRITES    SYNCS    HAS SYNCED    ANSWERS    HAS ANSWERED
        Kill At Point    dave    point=${point}
    END
    Check History

A fault that is none is named with those that are
    Connect People    alice and bob
    Run Keyword And Expect Error    GLOB:*does not have member 'IS BROKEN'*Available: *IS_FULL*
    ...    Send While Disk Fails    IS BROKEN    alice    bob    count=1

A disk that nothing was written to proves nothing
    Connect People    alice and bob
    Run Keyword And Expect Error    FaultWithoutEffect: node made no call that could have failed*
    ...    Send While Disk Fails    IS FULL    alice    bob    count=0

A target that was not started for it says so
    End Scenario
    Stop Target
    Start
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error    MeansMissing: Disk and clock of node cannot be disturbed*was not launched for that*
    ...    Send While Disk Fails    IS FULL    alice    bob    count=1
