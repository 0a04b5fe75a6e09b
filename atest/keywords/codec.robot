*** Settings ***
Documentation     The codec of a server is put to the proof: of a good one, and of those of which it is known what is wrong.

Library           WaybillLibrary.Codec
Resource          ../common.resource

Suite Teardown    Stop Target
Test Teardown     Run Keywords    End Scenario    AND    Stop Target
Test Timeout      60 seconds


*** Test Cases ***
Whatever a good server is told comes back
    [Setup]    Good
    Say Every Operation    alice    bob    guest=carol    rounds=12
    Say More Than A Frame    alice    bob    guest=carol
    Check History

Whatever a server of the older protocol is told comes back as well
    [Setup]    Other    reference-v1
    Say Every Operation    alice    bob    guest=carol    rounds=5
    Say More Than A Frame    alice    bob    guest=carol
    Check History

A body that loses a byte at one length is noticed
    [Setup]    Defective    codec-length-off-by-one
    Run Keyword And Expect Error    *changed-by-the-codec (1 times): of send *
    ...    Say Every Operation    alice    bob    guest=carol

A body of the older protocol that loses a byte is noticed
    [Setup]    Defective    codec-length-off-by-one    target=reference-v1
    Run Keyword And Expect Error    *changed-by-the-codec (1 times): of 02 *
    ...    Say Every Operation    alice    bob    guest=carol

A letter that is written in another form is noticed
    [Setup]    Defective    codec-folds-unicode
    Run Keyword And Expect Error    *changed-by-the-codec (1 times): of send *had to come * instead came *
    ...    Say Every Operation    alice    bob    guest=carol

A letter that is split is noticed
    [Setup]    Defective    codec-splits-surrogates
    Run Keyword And Expect Error    *changed-by-the-codec (1 times): of send *deliver*to other: instead came deliver *
    ...    Say Every Operation    alice    bob    guest=carol

An answer to what is not whole is noticed
    [Setup]    Defective    prefix-answered-early
    Run Keyword And Expect Error    *prefix-answered-early (1 times): *before * was whole*
    ...    Say Every Operation    alice    bob    guest=carol

A frame with something behind it that is done all the same is noticed
    [Setup]    Defective    codec-ignores-trailing-bytes
    Run Keyword And Expect Error    *trailing-bytes-accepted (1 times): send *
    ...    Say More Than A Frame    alice    bob    guest=carol

Nothing is shown where nobody knows what comes back
    [Setup]    Other    mosquitto
    Run Keyword And Expect Error    MeansMissing: What comes back of what is said with the driver mqtt is not known*
    ...    Say Every Operation    alice    bob    guest=carol


*** Keywords ***
Good
    [Documentation]    A server without a defect, and a scenario.
    Start Target    ${TARGET}
    Begin Scenario    seed=7

Defective
    [Documentation]    A server with this defect, and a scenario.
    [Arguments]    ${defect}    ${target}=reference
    Start Defective Target    ${defect}    target=${target}
    Begin Scenario    seed=7

Other
    [Documentation]    Another server, and a scenario.
    [Arguments]    ${target}
    Start Target    ${target}
    Begin Scenario    seed=7
