*** Settings ***
Documentation     A new key drops nobody, and a retired one is worth nothing after its grace.

Library           WaybillLibrary.Rotation
Library           WaybillLibrary.Tokens
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Rotations concern nobody but those with an old token
    Begin Rotations    4
    Rotate And Log In    times=2
    Valid Tokens Should Have Been Accepted
    Wait Until Keys Are Retired
    Show Retired Tokens
    Attempts Should Have Failed
    Refusals Should Be Alike
    Valid Tokens Should Have Been Accepted
    Rotations Should Have Gone Unnoticed
    Check History

A key that is published for longer than promised is noticed
    The Target Promises    rotation_grace    100ms
    Begin Rotations    2
    Rotate And Log In    times=1
    Run Keyword And Expect Error    KeyNotChanged: Expected the issuer to publish a retired key no longer than 0.1 s;*
    ...    Wait Until Keys Are Retired    deadline=1ms
    [Teardown]    Run Keywords    The Target Promises    rotation_grace    2s    AND    End Scenario

Nothing can be rotated before anybody is online
    Run Keyword And Expect Error    *`Begin Rotations` comes first.    Rotate And Log In    times=1
