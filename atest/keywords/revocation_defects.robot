*** Settings ***
Documentation    Revocations that do not end what they should end, and rotations that do what they should not, are
...              noticed; where nobody tells how to ask for them there is no verdict.

Library          WaybillLibrary.Links
Library          WaybillLibrary.Revocation
Library          WaybillLibrary.Rotation
Library          WaybillLibrary.Tokens
Resource         ../common.resource

Test Teardown    Run Keywords    End Scenario    AND    Stop Target
Test Timeout     60 seconds


*** Test Cases ***
A session that a revocation does not end is noticed
    Start Defective Target    revocation-ignored-by-open-sessions
    Begin
    Begin Revocations    4    phone and laptop    revocations=3
    Run Keyword And Expect Error
    ...    LateOperations: *after the revocation was confirmed; found * acknowledged sends of *
    ...    Revoke In Turn
    ...    deadline=2s

A revocation that counts later than it was confirmed is noticed
    Start Defective Target    revocation-late
    Begin
    Begin Revocations    4    phone    revocations=3
    Run Keyword And Expect Error
    ...    LateOperations: *after the revocation was confirmed; found * acknowledged sends of *
    ...    Revoke In Turn

What was promised to take its time may take it
    Start Defective Target    revocation-late
    The Target Promises    revocation_bound    6s
    Begin
    Begin Revocations    3    phone    revocations=1
    Revoke In Turn
    Nobody Else Should Have Noticed
    Renew The Revoked
    Check History

A session of which no end is seen is noticed although nothing of it works
    Start Target    ${TARGET}    faulty_links=True
    Begin
    Begin Revocations    3    phone    revocations=1
    FOR    ${person}    IN    member-1    member-2    member-3
        Stall Link    ${person}    way=FROM
    END
    Run Keyword And Expect Error    NotEnded: Expected the session of member-* to end; 0.1 s after *
    ...    Revoke In Turn    deadline=100ms

A revocation that a restart undoes is noticed
    Start Defective Target    revocation-lost-on-restart
    Begin
    Begin Revocations    4    phone    revocations=3
    Revoke In Turn
    Show Revoked Tokens Again
    Attempts Should Have Failed
    Kill Server
    Start Server
    Show Revoked Tokens Again
    Run Keyword And Expect Error    Expected all * attempts to be refused; sessions: revoked-member-*
    ...    Attempts Should Have Failed
    Run Keyword And Expect Error    *unauthorised-ok*    Check History

A retired key that still counts is noticed
    Start Defective Target    retired-key-still-accepted
    Begin
    Begin Rotations    4
    Rotate And Log In    times=1
    Wait Until Keys Are Retired
    Show Retired Tokens
    Run Keyword And Expect Error    Expected all * attempts to be refused; sessions: retired-guest-1/before-1-node,*
    ...    Attempts Should Have Failed

A new key that drops sessions is noticed
    Start Defective Target    rotation-drops-valid-sessions
    Begin
    Begin Rotations    4
    Rotate And Log In    times=1
    Run Keyword And Expect Error    *should have stayed connected; its first session ended*
    ...    Rotations Should Have Gone Unnoticed

A target that nobody can administer gives no verdict
    Start Target Without Administration
    Begin
    Run Keyword And Expect Error    MeansMissing: There are no means to administer*
    ...    Begin Revocations    4    phone    revocations=3
    Run Keyword And Expect Error    MeansMissing: There are no means to administer*    Begin Rotations    4
