*** Settings ***
Documentation    A server that lets thieves in is told by the sessions that they got.

Library          WaybillLibrary.Replays
Library          WaybillLibrary.Tokens
Library          WaybillLibrary.Trespasses
Resource         ../common.resource

Test Teardown    Run Keywords    End Scenario    AND    Stop Target
Test Timeout     60 seconds


*** Test Cases ***
A token that is good for whoever holds it is noticed
    Start Defective Target    token-not-bound-to-device
    Begin
    Log In Overheard    bob
    Try Stolen Token    mallory    bob
    Run Keyword And Expect Error    Expected all 12 attempts to be refused; sessions: the-token-and-a-guess,*
    ...    Attempts Should Have Failed

A proof that is good twice is noticed
    Start Defective Target    ignores-proof-nonce
    Begin
    Log In Overheard    bob
    Try Overheard Login    mallory    bob
    Run Keyword And Expect Error    Expected all 5 attempts to be refused; sessions: overheard-login-1-while-it-lasts;*
    ...    Attempts Should Have Failed

Two winners are noticed
    Start Defective Target    one-time-token-marked-late
    Begin
    Run Keyword And Expect Error
    ...    Expected one of two logins with the same one-time token to get in*both got in 2 times*
    ...    Race For One Login
    ...    rita
    ...    rounds=2

A session that outlives its token is noticed
    Start Defective Target    session-outlives-expiry
    Begin
    Connect People    bob
    Try Operations After Expiry    mallory    victim=bob
    Run Keyword And Expect Error    Expected all * attempts to be refused; *took effect: send of mallory/expired-send,*
    ...    Attempts Should Have Failed
    Run Keyword And Expect Error    *took effect after the tokens of mallory had expired*    Check History
