*** Settings ***
Documentation     Genuine credentials are secret, false ones are tried.

Library           WaybillLibrary.Tokens
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A genuine credential is a secret
    ${token} =    Obtain Token    alice
    Should Be Equal    ${{ str($token) }}    <secret>
    Should Be True    len($token.value) > 20

A word is no token
    Connect People    bob
    Login Should Be Refused    bob    token=open sesame

A genuine token is not accepted as a false one
    Connect People    bob
    ${token} =    Obtain Token    bob    device=intruder
    Run Keyword And Expect Error    ValueError: This is a genuine credential of bob;*
    ...    Login Should Be Refused    bob    token=${token}

Every false credential is refused
    Connect People    alice and bob
    Try False Credentials    mallory    bob
    Try Operations Without Login    mallory    victim=bob
    Attempts Should Have Failed

Nothing tried shows nothing
    Connect People    alice
    Run Keyword And Expect Error    Nothing was tried, so nothing is shown;*    Attempts Should Have Failed
