*** Settings ***
Documentation     Clocks are wrong and right again, and both are seen.

Library           WaybillLibrary.Clock
Library           WaybillLibrary.Tokens
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    faulty_clock=True
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A clock is wrong until it is put right
    Connect People    alice and bob
    Put Clock Wrong    by=1 hour    off=BEHIND
    Send Messages    alice    bob    count=5
    Wait Until Acknowledged
    Put Clock Right
    Check History

A clock is wrong in every way
    Connect People    alice and bob
    Send While Clock Is Wrong    alice    bob    count=4    by=1 day
    Send While Clock Is Wrong    alice    bob    count=4    rate=100
    Send While Clock Is Wrong    alice    bob    count=4    by=1 day    off=BEHIND    restart=True
    Send While Clock Steps    alice    bob    count=4    by=1 hour
    Send From Wrong Device    alice    bob    count=4    by=1 day
    Check History

What lives for some time does so whatever the clocks say
    Connect People    alice and bob
    Send Expiring Messages While Clocks Are Wrong    alice    bob    count=10    ttl=1 second    by=1 day
    Check History
    Figure Should Be    expired    10

A session ends with its token although the clock was put back
    Connect People    alice and bob
    Try Operations After Expiry While Clock Is Behind    mallory    victim=bob    by=1 hour
    Attempts Should Have Failed
    Check History

The issuer alone is ahead, and its tokens are not good yet
    Connect People    alice and bob
    Disconnect People    bob
    Put Clock Wrong    by=1 hour    process=issuer
    Run Keyword And Expect Error    LoginRefused*    Connect People    bob
    Put Clock Right    process=issuer
    Connect People    bob
    Check History

A clock that is wrong at the end of a scenario is right in the next one
    Connect People    alice
    Put Clock Wrong    by=1 hour

The clock of the scenario before is right
    Connect People    alice and bob
    Put Clock Wrong    by=2 hours
    Send Messages    alice    bob    count=3
    Wait Until Acknowledged
    Put Clock Right
    Check History

A clock that is wrong already stays as it is
    Connect People    alice
    Put Clock Wrong    by=1 hour
    Run Keyword And Expect Error    ValueError: The clock of machine is 3600 s ahead already*
    ...    Put Clock Wrong    by=2 hours
    Connect People    bob
    Put Clock Right
    Check History

A clock that is right cannot be put right
    Connect People    alice
    Run Keyword And Expect Error    ValueError: The clock of machine is not wrong.    Put Clock Right

A target that was not started for it says so
    End Scenario
    Stop Target
    Start
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error    MeansMissing: Disk and clock of node cannot be disturbed*was not launched for that*
    ...    Put Clock Wrong    by=1 hour
