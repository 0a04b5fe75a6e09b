*** Settings ***
Documentation     What an administrator does is confirmed, has its effect, and is found where it has none.

Library           WaybillLibrary.Administration
Library           WaybillLibrary.Tokens
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A revoked device is out, and comes back with a new token
    Connect People    alice and bob
    Revoke Device    bob
    Send Messages    alice    bob    count=5
    Check History

A revoked user is out on all devices
    Connect People    alice and bob
    Revoke User    bob
    Send Messages    alice    bob    count=5
    Check History

A revoked token is worth nothing, and everybody else goes on
    Connect People    alice and bob
    ${token} =    Obtain Token    bob    device=phone
    Revoke User    bob
    Login Should Be Refused    bob    token=${token}    device=phone
    Send Messages    alice    bob    count=5
    Check History

The token of one device is revoked
    Connect People    alice and bob
    Revoke Token    bob
    Send Messages    alice    bob    count=5
    Check History

A new signing key changes nothing for anybody
    Connect People    alice and bob
    ${first} =    Rotate Signing Key
    ${second} =    Rotate Signing Key
    Should Not Be Equal    ${first}    ${second}
    Send Messages    alice    bob    count=5
    Check History

Whoever is sent away may come back
    Connect People    alice and bob
    End Session    bob
    Send Messages    alice    bob    count=5
    Check History

A session that is not there cannot be ended
    Obtain Token    carol
    Run Keyword And Expect Error    Expected the server to list a session of carol/phone; it lists none.
    ...    End Session    carol
