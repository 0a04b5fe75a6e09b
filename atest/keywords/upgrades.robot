*** Settings ***
Documentation    Nodes become another release one by one, and what is lost by that is noticed.

Library          WaybillLibrary.Upgrades
Resource         ../common.resource

Test Teardown    Run Keywords    End Scenario    AND    Stop Target
Test Timeout     240 seconds


*** Test Cases ***
Every node is upgraded, and one is taken back
    Start Target    reference    many_nodes=True
    Begin
    Run Oldest Release Everywhere
    Upgrade One By One    count=180
    Check History
    Figure Should Be    upgraded    3
    Figure Should Be    rolled_back    1

An upgrade that takes no entry of a newer node is noticed
    Start Defective Target    old-node-rejects-new-rows    target=reference-regions
    Begin
    Run Oldest Release Everywhere
    Run Keyword And Expect Error
    ...    Expected * to be given what the server had taken by now, with releases mixed*
    ...    Upgrade One By One    count=180    deadline=5s

A server of one release says so
    Start Target    mosquitto
    Begin
    Run Keyword And Expect Error    MeansMissing: *    Run Oldest Release Everywhere
