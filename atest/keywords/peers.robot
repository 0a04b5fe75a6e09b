*** Settings ***
Documentation    Whoever says to be a node without being one is refused, or it is noticed.

Library          WaybillLibrary.Peers
Resource         ../common.resource

Test Teardown    Run Keywords    End Scenario    AND    Stop Target
Test Timeout     60 seconds


*** Test Cases ***
Only nodes get in between nodes
    Start Target    reference    many_nodes=True
    Begin
    Connect People    alice and bob
    Intrude Between Nodes
    Send Messages    alice    bob    count=10
    Wait Until Acknowledged
    Check History
    Figure Should Be    faults    8

Whoever lets an intruder in is told what it showed
    Start Defective Target    peer-certificate-not-verified    target=reference-regions
    Begin
    Run Keyword And Expect Error
    ...    Expected every intruder at the interface of north for nodes to be refused; it let in whoever shows no certificate*
    ...    Intrude Between Nodes

A hello that a node does not answer shows nothing
    Start Changed Target    a2746fa56e6f727468    a2746fa5736f757468    target=reference-regions
    Begin
    Run Keyword And Expect Error    MeansFailed: A good certificate and the hello of [[]peers] got no answer*
    ...    Intrude Between Nodes

A target that does not tell of the interface says so
    Start
    Begin
    Run Keyword And Expect Error    MeansMissing: Nobody knows where the nodes of reference listen for each other*
    ...    Intrude Between Nodes
