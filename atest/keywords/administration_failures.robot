*** Settings ***
Documentation    Administration that is not there, is refused or meets nobody says so, and a server that goes on is found.

Library          WaybillLibrary.Administration
Resource         ../common.resource

Test Teardown    Run Keywords    End Scenario    AND    Stop Target
Test Timeout     60 seconds


*** Test Cases ***
Nothing can be revoked without means
    Start Target    mosquitto
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error
    ...    MeansMissing: There are no means to administer mosquitto: *has no [[]administration]. Tell there how;*
    ...    Revoke User    bob

A token that is none is refused
    Start Changed Target    Bearer {token}    Bearer nonsense
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error
    ...    AdministrationFailed: revoke_user was refused to an administrator: unauthenticated *
    ...    Revoke User
    ...    bob
    Send Messages    bob    alice    count=3
    Check History

A request that nobody answers is no revocation
    Start Target    reference
    Begin
    Connect People    alice and bob
    Kill Server
    Run Keyword And Expect Error    AdministrationFailed: POST https://*/admin/revocations gave no answer: *
    ...    Revoke User    bob

A device that goes on after its revocation is found
    Start Defective Target    revocation-ignored-by-open-sessions
    Begin
    Connect People    alice and bob
    Revoke Device    bob
    Send Messages    bob    alice    count=3
    Run Keyword And Expect Error    *revoked-accepted*    Check History
