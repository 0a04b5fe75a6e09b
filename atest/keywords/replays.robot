*** Settings ***
Documentation     Stolen tokens and overheard logins are tried, and what they open is noticed.

Library           WaybillLibrary.Administration
Library           WaybillLibrary.Replays
Library           WaybillLibrary.Tokens
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Nobody can steal what nobody showed
    Connect People    bob
    Run Keyword And Expect Error    Nobody listened when bob/phone logged in*
    ...    Try Stolen Token    mallory    bob

A stolen token and false proofs are refused alike
    Log In Overheard    bob
    Try Stolen Token    mallory    bob
    Try False Proofs    mallory    bob
    Attempts Should Have Failed
    Refusals Should Be Alike
    Check History

An overheard login is refused, also when its session is over
    Log In Overheard    bob
    Log In Overheard    bob
    Try Overheard Login    mallory    bob
    Disconnect People    bob
    Try Overheard Login    mallory    bob    moment=ENDED
    Attempts Should Have Failed
    Refusals Should Be Alike
    Check History

A token for one login is good once
    Log In Overheard    bob    once=True
    Try Token Again    mallory    bob
    Attempts Should Have Failed
    Refusals Should Be Alike

One of two gets in
    Connect People    bob
    Race For One Login    rita    rounds=2
    Attempts Should Have Failed
    Refusals Should Be Alike

A revoked token is refused, and a new one is not
    Log In Overheard    bob
    Revoke Device    bob
    Try Token Again    mallory    bob    moment=REVOKED
    Log In Overheard    bob    new=True
    Attempts Should Have Failed
    Check History

A token that is good again is noticed
    Log In Overheard    bob
    Try Token Again    mallory    bob
    Run Keyword And Expect Error
    ...    Expected all 8 attempts to be refused; sessions: the-token-again-phone-while-it-lasts*
    ...    Attempts Should Have Failed
    Run Keyword And Expect Error    *unauthorised-ok*login took effect under a replayed token*
    ...    Check History    deadline=1s
