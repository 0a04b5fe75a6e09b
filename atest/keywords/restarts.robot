*** Settings ***
Documentation     The server is restarted, started twice, started on damaged data, and started as another release.

Library           WaybillLibrary.Restarts
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      120 seconds


*** Test Cases ***
Restarts in the middle of traffic cost nothing
    Connect People    alice, carol and bob
    Restart Again And Again    alice and carol    bob    times=2
    Check History

A second server on the same data is refused
    Connect People    alice and bob
    Start Second Server    alice    bob
    Check History

What is damaged is refused, and whole again afterwards
    Connect People    alice and bob
    Send Messages    alice    bob    count=50
    Wait Until Acknowledged
    FOR    ${damage}    IN    IS OVERWRITTEN    IS CUT    IS EMPTY    IS MISSING
        Start On Damaged Data    ${damage}
    END
    Check History

A rollback and an upgrade keep what was written before and between
    Connect People    alice and bob
    Send Messages    alice    bob    count=10
    Wait Until Acknowledged
    Change Release    oldest
    Reconnect Everybody
    Send Messages    alice    bob    count=10
    Wait Until Acknowledged
    Change Release    2
    Reconnect Everybody
    Check History

A release that nobody knows is named with those that there are
    [Tags]    not-a-scenario
    Connect People    alice
    Run Keyword And Expect Error    *no release '7'. Releases: 1, 2.    Change Release    7
    Server Should Be Running
