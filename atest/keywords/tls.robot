*** Settings ***
Documentation     TLS is put to the proof: by a good server, and by servers of which it is known what is wrong with them.

Library           WaybillLibrary.Tls
Resource          ../common.resource

Suite Teardown    Stop Target
Test Teardown     Run Keywords    End Scenario    AND    Stop Target
Test Timeout      60 seconds


*** Test Cases ***
A good server refuses everything that is weaker
    [Setup]    Good
    Certificates Should Be Valid
    Connect People    alice and bob
    Offer Weaker TLS
    Speak Plaintext
    Log In In Plaintext    mallory    bob
    Attempts On TLS Should Have Failed
    Plaintext Should Be Refused
    FOR    ${version}    IN    SSLv2    SSLv3    TLSv1    TLSv1_1
        Handshake Should Fail    ${version}
    END

One node alone is looked at by its endpoint
    [Setup]    Good
    Certificates Should Be Valid    node=node
    Plaintext Should Be Refused    node=node
    Run Keyword And Expect Error    TargetError: reference has no node 'nobody'*
    ...    Certificates Should Be Valid    node=nobody

Nothing tried shows nothing
    [Setup]    Good
    Run Keyword And Expect Error    Nothing was tried, so nothing is shown.    Attempts On TLS Should Have Failed

A version that does not exist is refused with those that do
    [Setup]    Good
    Run Keyword And Expect Error    *does not have member 'TLSv1_4'*TLSv1_1*    Handshake Should Fail    TLSv1_4

An old version is noticed
    [Setup]    Defective    tls10-allowed
    Handshake Should Fail    SSLv3
    Run Keyword And Expect Error    *1 were not: TLS 1.0 was accepted by node at 127.*: it chose TLS 1.0 with TLS_*
    ...    Handshake Should Fail    TLSv1
    Offer Weaker TLS
    Run Keyword And Expect Error    *4 were not: TLS 1.0 was accepted by node at 127.*; TLS 1.1 was accepted by node*
    ...    Attempts On TLS Should Have Failed

A port without TLS is noticed although no file tells of it
    [Setup]    Defective    plaintext-port-open
    Run Keyword And Expect Error
    ...    *plaintext (HTTP) was accepted by node at 127.*: it answered in plaintext: b'HTTP/1.1*
    ...    Plaintext Should Be Refused
    Plaintext Should Be Refused    node=node

A session without TLS is noticed
    [Setup]    Defective    plaintext-port-open
    Connect People    alice and bob
    Log In In Plaintext    mallory    bob
    Run Keyword And Expect Error
    ...    *1 were not: login in plaintext was accepted by node at *: mallory/plaintext-03 got a session
    ...    Attempts On TLS Should Have Failed
    Run Keyword And Expect Error
    ...    insecure-ok*mallory/plaintext-03: login took effect over plaintext*
    ...    Check History

An expired certificate is named
    [Setup]    Defective    expired-certificate
    Run Keyword And Expect Error    *the certificate of node at 127.*:* expired on 20*    Certificates Should Be Valid

A certificate of another host is named
    [Setup]    Defective    wrong-host-certificate
    Run Keyword And Expect Error
    ...    *the certificate of node at 127.* is not valid for 127.*, only for another.example*
    ...    Certificates Should Be Valid


*** Keywords ***
Good
    [Documentation]    A server without a defect, and a scenario.
    Start Target    ${TARGET}
    Begin Scenario    seed=7

Defective
    [Documentation]    A server with this defect, and a scenario.
    [Arguments]    ${defect}
    Start Defective Target    ${defect}
    Begin Scenario    seed=7
