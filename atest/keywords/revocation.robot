*** Settings ***
Documentation     Whoever is revoked is out and stays out; who is not, or who stays in, is noticed.

Library           WaybillLibrary.Administration
Library           WaybillLibrary.Revocation
Library           WaybillLibrary.Tokens
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Revocations end what they should end, and nothing else
    Begin Revocations    8    phone and laptop    revocations=6
    Revoke In Turn
    Show Revoked Tokens Again
    Attempts Should Have Failed
    Refusals Should Be Alike
    Renew The Revoked
    Nobody Else Should Have Noticed
    Kill Server
    Start Server
    Show Revoked Tokens Again
    Attempts Should Have Failed
    The Crowd Comes Back
    Check History

A crowd is larger than the number of revocations
    Run Keyword And Expect Error    ValueError: 5 revocations need more than 5 people, found 5.
    ...    Begin Revocations    5    phone    revocations=5

Nothing can be revoked before anybody was chosen
    Run Keyword And Expect Error    *`Begin Revocations` comes first.    Revoke In Turn

Somebody else who loses the connection is noticed
    Begin Revocations    3    phone    revocations=1
    Revoke In Turn
    FOR    ${number}    IN RANGE    1    4
        TRY
            End Session    member-${number}
        EXCEPT    Expected the server to list a session of *; it lists none.    type=GLOB
            Log    member-${number} is the one that was revoked.
        END
    END
    Run Keyword And Expect Error    *should have stayed connected*ended (refused: revoked*
    ...    Nobody Else Should Have Noticed    deadline=3s
