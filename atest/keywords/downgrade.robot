*** Settings ***
Documentation     Somebody in the middle is put to the proof: before a good server, and before servers that can be talked
...               into less.

Library           WaybillLibrary.Downgrade
Resource          ../common.resource

Suite Teardown    Stop Target
Test Teardown     Run Keywords    End Scenario    AND    Stop Target
Test Timeout      60 seconds


*** Test Cases ***
Before a good server nobody in the middle gains anything
    [Setup]    Good
    Connect People    alice and bob
    Log In Through A Middle That Changes Nothing    carol    bob
    Log In Through Middles That Attack    carol    bob
    Ask For Less
    Downgrades Should Have Failed
    Check History

One node alone is asked by its endpoint
    [Setup]    Good
    Log In Through A Middle That Changes Nothing    carol    bob    node=node
    Ask For Less    node=node
    Downgrades Should Have Failed
    Run Keyword And Expect Error    TargetError: reference has no node 'nobody'*    Ask For Less    node=nobody

Nothing tried shows nothing
    [Setup]    Good
    Run Keyword And Expect Error    Nothing was tried, so nothing is shown.    Downgrades Should Have Failed

Attacks mean nothing before a login has worked
    [Setup]    Good
    Run Keyword And Expect Error
    ...    Nobody has logged in through a middle that changes nothing*Use `Log In Through A Middle That Changes Nothing`*
    ...    Log In Through Middles That Attack
    ...    carol
    ...    bob

A server whose own certificate is wrong gives no evidence
    [Setup]    Defective    wrong-host-certificate
    Run Keyword And Expect Error
    ...    Expected a login through a middle that changes nothing to work at node at *; it ended with untrusted*
    ...    Log In Through A Middle That Changes Nothing    carol    bob

A server that goes on with an old version is noticed
    [Setup]    Defective    tls10-allowed
    Connect People    alice and bob
    Log In Through A Middle That Changes Nothing    carol    bob
    Log In Through Middles That Attack    carol    bob
    Run Keyword And Expect Error
    ...    *2 were not: somebody in the middle who leaves nothing in the hello*the server went on with TLS 1.1*
    ...    Downgrades Should Have Failed

A server that ignores fallbacks is noticed
    [Setup]    Defective    fallback-scsv-ignored
    Ask For Less
    Run Keyword And Expect Error
    ...    *1 were not: TLS 1.2 as a fallback was accepted by node at *: it went on with TLS 1.2
    ...    Downgrades Should Have Failed

A server that takes early data is noticed
    [Setup]    Defective    early-data-replayed
    Ask For Less
    Run Keyword And Expect Error
    ...    *1 were not: early data was accepted by node at *: it took early data, and took the same bytes again
    ...    Downgrades Should Have Failed

A server that leads its clients away is noticed
    [Setup]    Defective    ws-plaintext-redirect
    Ask For Less
    Run Keyword And Expect Error
    ...    *1 were not: an answer that leads away from TLS was accepted by node at *: to / it answers Location: ws://*
    ...    Downgrades Should Have Failed


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
