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
    Attempts Should Have Failed

A forged token is a secret and gets nobody in
    Connect People    bob
    ${token} =    Forge Token    jwk-embedded    intruder=mallory    victim=bob
    Should Be Equal    ${{ str($token) }}    <secret>
    Login Should Be Refused    bob    token=${token}

Only attacks of the list can be forged
    Run Keyword And Expect Error    ValueError: There is no attack 'jwk-embeded', did you mean 'jwk-embedded'?*
    ...    Forge Token    jwk-embeded    intruder=mallory    victim=bob

Every attack of the list is refused alike
    Connect People    bob
    Log In With A Token    mallory
    Log In Just Inside The Limits    bob
    FOR    ${false}    IN    SIGNATURE    KEY    CLAIMS
        Try Forged Tokens    mallory    bob    false=${false}
    END
    Attempts Should Have Failed
    Refusals Should Be Alike

A refusal that says why is noticed
    Connect People    bob
    The Server Misbehaves    EXPLAIN    every=20
    Try Forged Tokens    mallory    bob    false=SIGNATURE
    Attempts Should Have Failed
    Run Keyword And Expect Error    Expected one and the same refusal for all*the signature is wrong*
    ...    Refusals Should Be Alike

A server that looks where a token says is noticed
    Connect People    bob
    The Server Looks Where Tokens Say
    Run Keyword And Expect Error    Expected that no token makes the server look anywhere;*GET /jku*
    ...    Try Forged Tokens    mallory    bob    false=KEY
    [Teardown]    Run Keywords    The Server Looks Where Tokens Say    looks=${False}    AND    End Scenario

A namesake who is taken for the person is noticed
    Connect People    alice and bob
    Send Messages    alice    bob    count=1
    Wait For Deliveries    bob
    A Namesake Should Be Somebody Else    bob
    Names Lose Their Case
    Run Keyword And Expect Error
    ...    Expected that '*' is not '*'; a token for the first one opened a session with 1 message*
    ...    A Namesake Should Be Somebody Else
    ...    bob
    [Teardown]    Run Keywords    Names Lose Their Case    lose=${False}    AND    End Scenario

Nothing tried shows nothing
    Connect People    alice
    Run Keyword And Expect Error    Nothing was tried, so nothing is shown;*    Attempts Should Have Failed
