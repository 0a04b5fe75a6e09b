*** Settings ***
Documentation     Nothing works before a login, after one that failed, and after the end of a token.

Library           WaybillLibrary.Tokens
Library           WaybillLibrary.Trespasses
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Nothing works without a login, or after one that failed
    Connect People    alice and bob
    Meet Somebody    mallory    bob
    Try Operations Without Login    mallory    victim=bob
    Try Operations After Failed Login    mallory    victim=bob
    Attempts Should Have Failed
    Check History

Nothing works after the end of a token
    Connect People    alice and bob
    Try Operations After Expiry    mallory    victim=bob
    Attempts Should Have Failed
    Check History

Nothing works after a revocation
    Connect People    alice and bob
    Try Operations After Revocation    mallory    victim=bob
    Attempts Should Have Failed
    Check History
