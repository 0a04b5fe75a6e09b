*** Settings ***
Documentation     Frames of an earlier connection are said again, and what that changes is found.

Library           WaybillLibrary.Replays
Library           WaybillLibrary.Tokens
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Frames that are said again change nothing
    Talk While Somebody Listens
    FOR    ${by}    IN    ITS DEVICE    ANOTHER DEVICE    A STRANGER    NOBODY
        Say Frames Again    alice    mallory    by=${by}
    END
    Check History
    ${figures}=    Evaluate    WaybillLibrary.current.case.figures    modules=WaybillLibrary.current
    Should Be True    ${figures}[replayed_frames] >= 12
    Should Be Equal    ${figures}[effects]    ${0}

A server that takes them once more is found out
    End Scenario
    Stop Target
    Start Defective Target    dedup-per-connection
    Begin
    Talk While Somebody Listens
    Say Frames Again    alice    mallory    by=ITS DEVICE
    Run Keyword And Expect Error    *duplicate-stored*    Check History
    [Teardown]    Run Keywords    End Scenario    AND    Stop Target    AND    Start

What nobody listened to cannot be said again
    Connect People    alice and bob
    Run Keyword And Expect Error    Nobody listened when alice/phone logged in*
    ...    Say Frames Again    alice    mallory    by=NOBODY


*** Keywords ***
Talk While Somebody Listens
    [Documentation]    A few sends, each a frame of its own.
    Log In Overheard    alice
    Connect People    bob
    FOR    ${_}    IN RANGE    3
        Send Messages    alice    bob    count=1
        Wait For Deliveries    bob
    END
